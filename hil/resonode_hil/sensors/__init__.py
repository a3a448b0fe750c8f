"""Register-level models of sensor chips, one file per chip."""
