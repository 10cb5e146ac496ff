"""Claims between processes: who holds one, and what becomes of it when its process dies."""

import signal
import subprocess
import sys
from pathlib import Path

from bgen_core.jobs.claims import PaintingClaims

ONE, OTHER = "a" * 64, "b" * 64
HOLD = """
import sys, time
from pathlib import Path
from bgen_core.jobs.claims import PaintingClaims
claims = PaintingClaims(Path(sys.argv[1]))
print(len(claims.claim([sys.argv[2]])), flush=True)
time.sleep(600)
"""


def test_a_claim_is_held_against_other_processes_until_its_own_dies(tmp_path: Path):
    path = tmp_path / "claims"
    claims = PaintingClaims(path)
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path), ONE], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline().strip() == "1"
        assert claims.claim([ONE, OTHER]) == {OTHER}
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdout.close()
    assert claims.claim([ONE, OTHER]) == {ONE, OTHER}


def test_a_released_claim_is_free_for_others(tmp_path: Path):
    path = tmp_path / "claims"
    claims = PaintingClaims(path)
    assert claims.claim([ONE]) == {ONE}
    claims.release([ONE])
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path), ONE], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "1"
        holder.kill()
