"""The program of a trial: `app.py SCENE SEED`. What it writes to its errors goes to the file `FAULTS_ERRORS`."""

from __future__ import annotations

import os
import sys

import endings
import many
import play
import resources

SCENES = {**endings.SCENES, **resources.SCENES, **many.SCENES}

if __name__ == "__main__":
    os.dup2(os.open(os.environ["FAULTS_ERRORS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666), 2)
    SCENES[sys.argv[1]](play.Play(int(sys.argv[2])))
