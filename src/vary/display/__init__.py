"""Policies, streams and batches as text, HTML and sheets of pictures. Nothing here changes what is trained on.

text        escaping and shortening of text, and a `str` whose repr is its lines
pixels      pixel values of any range as colours, on a scale that is stated beside the pictures
sheet       pictures in rows with captions, drawn as one image
page        a sheet as HTML, and tables
preview     `Preview`, which `preview()` returns
originals   which pictures a preview shows: from arrays, files, folders, sources
variations  the preview of a policy: each original beside its variations
outline     a policy as text or HTML, one transform a line
fields      a batch as text, HTML or a sheet
"""
