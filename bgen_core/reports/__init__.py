"""Documents made from runs: contact sheets, the HTML page, the mirror in MLflow."""
