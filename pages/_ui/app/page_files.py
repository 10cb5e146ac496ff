"""Where each page's script lies, for `st.Page` and links between pages, whatever the main script is."""

from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[2]

SUBJECT = str(_FOLDER / "subject.py")
SWEEP = str(_FOLDER / "sweep.py")
COMPARE = str(_FOLDER / "compare.py")
RUN = str(_FOLDER / "run.py")

# As the browser shows them; the first page's is the address of the app.
PATHS = ("/", "/sweep", "/compare", "/run")
