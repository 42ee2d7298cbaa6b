/* SPDX-License-Identifier: Apache-2.0 */
/* The least a process can do: what starting any static program costs. */
int main(void)
{
	return 0;
}
