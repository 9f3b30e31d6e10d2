"""What people see of policies, streams and batches: text, tables as HTML, sheets of pictures. Nothing here changes a
picture that is trained on.

    text        words that are safe to show, and text that shows itself
    pixels      values of any range as colours, and the rule that was used
    sheet       pictures in rows with captions, drawn as one picture
    page        the same as HTML, and tables
    preview     the object that `preview()` returns
    originals   what may be previewed: pictures, files, folders
    variations  the preview of a policy
    outline     a policy, one transform a line
    fields      the arrays of a batch
"""
