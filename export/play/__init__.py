"""`trainer play`: learns a folder of sounds while the stage plays the nearest version so far."""
