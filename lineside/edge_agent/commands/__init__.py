"""The commands of `lineside-edge`, one file each."""
