"""bgen: keep the person in a photo, repaint everything behind them, sweep the parameters, compare every image."""

__version__ = "0.2.0"
