"""What the tests with real clients stand on: the program, a scripted backend, raw sockets."""
