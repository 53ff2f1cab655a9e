"""Many sites as one job: who is fitted, what is done, and what came out."""
