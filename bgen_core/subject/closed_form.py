# pyright: reportUnknownVariableType=false, reportMissingTypeStubs=false
"""Closed-form matting of an edge band: a program of its own, started by `bgen_core.subject.fine`.

pymatting 1.1 compiles at its first import, for seconds, and numba's thread layer can abort the process it runs in.
Neither may happen to a server: this file is run as a child, reads arrays from a folder and leaves one there. It imports
nothing of this package.

Source: Levin, Lischinski, Weiss, "A closed-form solution to natural image matting", IEEE TPAMI 30(2), 2008. The mask
that is there already enters as their equation 16's prior: without it, textures far from the edge drift to grey.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np

EPSILON = 1e-5  # how far a window's colours may be off a line
PRIOR = 5e-3  # weight of the mask that is there, against the photo's edges
_TOLERANCE = 1e-4  # of the residual: the alpha is then within 1/100 of the exact one
_DISCARDED = 1e-3  # entries of the preconditioner
_PACKAGES = ("pymatting", "pymatting.laplacian", "pymatting.preconditioner", "pymatting.solver")


def leave_out_other_methods() -> None:
    """Enter pymatting's packages as imported without running them: each imports all methods, and every one compiles
    itself at once. Of a minute of compiling, the four functions that are used here take six seconds.
    """
    for name in _PACKAGES:
        if spec := importlib.util.find_spec(name):
            sys.modules[name] = importlib.util.module_from_spec(spec)


def solve_band(image: np.ndarray, prior: np.ndarray, band: np.ndarray) -> np.ndarray:
    """Alpha in a band, given what is outside of it.

    Parameters
    ----------
    image
        uint8, HWC, RGB.
    prior
        float32, HW, in [0, 1]: the alpha so far; outside the band it stays.
    band
        bool, HW: where to solve.

    Returns
    -------
    numpy.ndarray
        float32, HW, in [0, 1].
    """
    import scipy.sparse

    leave_out_other_methods()
    from pymatting.laplacian.cf_laplacian import cf_laplacian
    from pymatting.preconditioner.ichol import ichol
    from pymatting.solver.cg import cg

    laplacian = cf_laplacian(image / 255, EPSILON, 1, ~band)
    inside, outside = np.flatnonzero(band), np.flatnonzero(~band)
    rows = laplacian[inside]
    known, start = prior.ravel()[outside].astype(np.float64), prior.ravel()[inside].astype(np.float64)
    system = (rows[:, inside] + scipy.sparse.diags(np.full(len(inside), PRIOR))).tocsc()
    wanted = PRIOR * start - rows[:, outside] @ known
    preconditioner = ichol(system, discard_threshold=_DISCARDED)
    solved = cg(system, wanted, x0=start, M=preconditioner, rtol=_TOLERANCE)
    alpha = prior.astype(np.float32).copy()
    alpha.flat[inside] = np.clip(solved, 0, 1)
    return alpha


def main(folder: Path) -> None:
    """Read image.npy, prior.npy and band.npy, write alpha.npy."""
    image, prior, band = (np.load(folder / f"{name}.npy") for name in ("image", "prior", "band"))
    np.save(folder / "alpha.npy", solve_band(image, prior, band))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
