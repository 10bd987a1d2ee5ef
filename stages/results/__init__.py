"""What the data sets' scores say: metrics, their intervals, and a few images of each."""
