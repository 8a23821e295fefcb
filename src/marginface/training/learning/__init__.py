"""What learns, one step at a time.

learner          backbone, head, optimizer, one step      weighted    samples that a backbone weighs (TransFace)
start            where the weights come from; class centers from the means of features
freezing, optim  what does not learn; the optimizer of the rest
whole_batch      the loss of the samples of all processes, where each has the whole head
averaging        the mean of the weights, that is served
centers_update   the optimizer's step on the class centers within the backward pass
skipped_steps    ... on those that were not drawn, in closed form
"""
