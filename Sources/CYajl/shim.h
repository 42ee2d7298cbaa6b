/* SPDX-License-Identifier: Apache-2.0 */
/* yajl, linked statically: one package less on the target machine. */
#pragma once
#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>
