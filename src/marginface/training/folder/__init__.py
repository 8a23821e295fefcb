"""The folder of a run: what a kill cannot destroy, and what those see who look.

names         what its files are called      lock     one process at a time
checkpoint    what goes on after a kill      history  when it was begun, resumed and ended, with what recipe
journal       an object per step             data_record   what it is trained on, by identity
state, diff   a run as it is now, and two of them, for those who look (without torch)
report        its page
"""
