"""The servers that ours is compared with, as their users would write them, in environments of their own."""
