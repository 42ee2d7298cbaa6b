// SPDX-License-Identifier: Apache-2.0
#ifndef WITNESS_H
#define WITNESS_H
// The descriptor on which a program proves that it ran: it survives chroot,
// setns and every exec, unlike a path.
#define WITNESS_FD 99
#define FOREIGN_CODE 77
#define GENUINE_CODE 78
#endif
