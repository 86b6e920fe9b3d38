"""The playground: what is asked (`asked`), the cells worked off (`running`), how they are shown (`showing`)."""
