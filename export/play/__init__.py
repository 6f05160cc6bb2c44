"""`trainer play`: learns a folder of sounds while `realtime` plays the best version so far."""
