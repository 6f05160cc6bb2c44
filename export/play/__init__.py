"""`trainer play`: trains a model on a folder of sounds while `realtime` plays the best version so far."""
