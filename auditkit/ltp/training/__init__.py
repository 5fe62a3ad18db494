"""The three steps of Learned Token Pruning, a budget, a sweep of budgets."""
