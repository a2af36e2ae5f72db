"""How fast it is: figures with the machine's name, for people to judge. `make bench` runs all; nothing is asserted."""
