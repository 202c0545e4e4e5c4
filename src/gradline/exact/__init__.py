"""From moments to the exact answer: rank, solution, and how sure its digits are."""
