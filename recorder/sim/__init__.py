"""The simulated rig: a world without hardware, behind the same contract as a real camera."""
