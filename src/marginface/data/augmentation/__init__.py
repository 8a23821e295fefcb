"""What may happen to the crops of a batch; needs torch.

transforms   each image by its own draw
resampling   blur and lower resolution for it
head         a crop as the texture of a generic head that is turned, for it
"""
