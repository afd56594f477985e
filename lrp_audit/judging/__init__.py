"""From contributions to principal reasons, or to the named states in which no letter may go out."""
