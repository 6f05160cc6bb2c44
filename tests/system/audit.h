// Watches a callback: `running` is 1 while it runs, and `report` prints what it did that it must not do.

#pragma once

#ifdef __cplusplus
extern "C" {
#endif

extern __thread int running;

// Prints the names of allocations, locks and system calls that may block, one a line.
void report(void);

#ifdef __cplusplus
}
#endif
