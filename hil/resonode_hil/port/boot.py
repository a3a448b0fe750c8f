# Runs on: MicroPython (the VIRTUAL board)
# What a real board does by itself after power-on: find its files and start the application.

from firmware import main

main.run(__file__.rsplit("/", 1)[0] + "/boards/VIRTUAL")
