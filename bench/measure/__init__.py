# SPDX-License-Identifier: Apache-2.0
"""What the groups of the benchmark share."""
