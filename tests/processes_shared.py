"""A server that imports the package and open_clip once; its forks start at once."""

import multiprocessing

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    ["sknumclip.regressor", "sknumclip.datasets", "sknumclip.clip.loading"]
)
