// SPDX-License-Identifier: Apache-2.0
// `#!`: the script and its interpreter are both judged.
#include "bypass.h"

static void link_interpreter(void)
{
	// resolved by mapd at the start; turned to the payload later
	const char *link = in("interpreters");

	image_program(text("%s-genuine", link), false);
	need(symlink(text("/%s-genuine", link), link), "symlink");
}

static void turn_interpreter(void)
{
	const char *link = in("/interpreters");

	need(unlink(link), "unlink");
	need(symlink(FOREIGN, link), "symlink");
}

// A listed script whose interpreter is the payload.
static void make_interpreter(void)
{
	link_interpreter();
	put_text(in("allowed"), text("#!/%s\n", in("interpreters")));
}

TECHNIQUE_WITH_IMAGE(foreign_interpreter, "foreign-interpreter", make_interpreter)
{
	turn_interpreter();
	return exec_path(GENUINE);
}

// The same at the end of a chain of five, all of them listed.
static void make_chain(void)
{
	link_interpreter();
	for (int i = 1; i <= 4; i++) {
		const char *script = text("allowed/script-chain-%d", i);

		put_text(script, i < 4 ? text("#!/allowed/script-chain-%d\n", i + 1) :
					 text("#!/%s\n", in("interpreters")));
		image_list(text("/%s", script));
	}
	put_text(in("allowed"), "#!/allowed/script-chain-1\n");
}

TECHNIQUE_WITH_IMAGE(script_chain, "script-chain", make_chain)
{
	turn_interpreter();
	return exec_path(GENUINE);
}

// The reverse: a foreign script for an interpreter that is listed as a program.
static void make_script(void)
{
	image_program(in("interpreters"), true);
	image_list(in("/interpreters"));
	put_text(in("foreign"), text("#!%s\n", in("/interpreters")));
}

TECHNIQUE_WITH_IMAGE(foreign_script, "foreign-script", make_script)
{
	return exec_path(FOREIGN);
}

TECHNIQUE_WITH_IMAGE(foreign_script_fd, "foreign-script-fd", make_script)
{
	return exec_fd(need(open(FOREIGN, O_RDONLY), "open")); // the interpreter gets /dev/fd/N
}

// ... that is allowed only as the interpreter of a listed script.
static void make_implied(void)
{
	image_program(in("interpreters"), true);
	put_text(in("allowed"), text("#!%s\n", in("/interpreters")));
	put_text(in("foreign"), text("#!%s\n", in("/interpreters")));
}

TECHNIQUE_WITH_IMAGE(foreign_script_implied, "foreign-script-implied", make_implied)
{
	return exec_path(FOREIGN);
}

TECHNIQUE_WITH_IMAGE(interpreter_directly, "interpreter-directly", make_implied)
{
	return exec_path(in("/interpreters"));
}

static void make_control(void)
{
	image_program(in("interpreters"), false);
	put_text(in("allowed"), text("#!%s\n", in("/interpreters")));
}

TECHNIQUE_WITH_IMAGE(control_script, "control-script", make_control)
{
	return exec_path(GENUINE);
}

static void make_listed(void)
{
	make_control();
	image_list(in("/interpreters"));
}

TECHNIQUE_WITH_IMAGE(control_script_listed, "control-script-listed", make_listed)
{
	return exec_path(GENUINE);
}
