"""Who may do what: keys, credentials, the site's nodes, and the log of every privileged act.

One folder a user, `home`: $RESONODE_HOME, or the system's place for users' data.

    keys/             secret keys, readable by their owner only
    credentials/      what owners gave to this computer
    site.toml         the nodes ($RESONODE_SITE names another file)
    audit.jsonl       the log, and audit.head, which tells where it ends
"""

from __future__ import annotations

import os
from pathlib import Path


def home_folder(home: Path | None = None) -> Path:
    """Return the folder that `home` names, else $RESONODE_HOME, else the user's own."""
    if home is not None:
        return home
    named = os.environ.get("RESONODE_HOME")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_data_dir("resonode"))
