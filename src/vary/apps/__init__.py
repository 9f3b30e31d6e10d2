"""The command line. These modules use only the public names of `vary`, as any user does; nothing imports them.

    cli       arguments, errors, exit codes
    demo      `vary demo`: a policy, a stream, a sheet of pictures and the speed
    preview   `vary preview`: a policy on pictures, as a sheet
    profile   `vary profile`: how fast batches are made, and what limits it
    inspect   `vary inspect`: what is in the data
    cache     `vary cache`: what is kept on disk; deletes it
    tables    `vary transforms` and the versions
    inputs    the pictures and the policy that a command works on
    bars      progress bars

Results go to stdout, progress bars and errors to stderr. Commands write the sheet that was asked for and the cache,
and never into a data folder.
"""
