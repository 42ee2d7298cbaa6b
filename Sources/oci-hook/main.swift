// SPDX-License-Identifier: Apache-2.0

// Journey A, step 1: the runtime starts this program with the container's state on
// standard input. It asks mapd one question and exits 0, or 1 with one line on stderr.

import CPosix

_exit(run())
