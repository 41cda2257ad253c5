"""What an institution's own system calls its node with: typed, blocking or asynchronous."""
