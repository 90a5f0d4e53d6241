"""Energy renormalization: a design of simulations, what it teaches, and the functions of the state that follow."""
