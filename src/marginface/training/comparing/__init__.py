"""Several losses under equal conditions, or one over a grid.

variants    the losses, as recipes      jobs        their runs, one after the other or side by side
decisions   what a finished run decides on its pairs
compare, sweep   all of it      folder   its folder, for those who look (without torch)
"""
