// SPDX-License-Identifier: Apache-2.0

// Journey A, step 1: the runtime starts this program with the container's state on
// standard input. It asks mapd one question and exits 0, or 1 with one line on stderr.

import CPosix

// A container's start waits for this process, which is done in a millisecond: it is not to wait for hundreds
// of others that start meanwhile. Where it may not, it is as important as its runtime.
_ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, -20)
_exit(run())
