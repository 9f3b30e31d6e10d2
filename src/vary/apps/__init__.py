"""What people run: the command line. Apps come in by the door (`import vary`) like any user; nothing imports them.

    cli       arguments, errors, exit codes        inputs    the pictures and the policy a command works on
    demo      the whole way, with a number         sheet     rows of pictures laid out as one
    preview   a policy on pictures, as a sheet     tables    what there is: transforms, versions
    profile   how fast, and what limits it         bars      progress
    cache     what is kept on disk, and its end

Results go to stdout; progress bars and errors go to stderr. Nothing is written but the sheet that was asked for and
the cache, and never into a data folder.
"""
