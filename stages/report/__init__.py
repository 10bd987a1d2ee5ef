"""How `compare` shows its results: tables, plots, and the page `metrics/report.html`."""
