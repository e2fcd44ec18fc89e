"""What the network computes, in plain torch: each file is the specification of one operation."""
