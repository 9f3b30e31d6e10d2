"""What a comparison of policies is computed with; the experiments themselves are not built yet.

folds       which pictures are held back in each training, and again in each repeat
statistics  differences between policies with intervals, what a number of pictures can show, log-loss
"""
