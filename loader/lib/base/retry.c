// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/retry.h"

double bg_retry_failed(struct bg_retry *retry)
{
	double next = retry->last > 0 ? retry->last * 2 : retry->first;

	retry->last = next < retry->most ? next : retry->most;
	return retry->last;
}

void bg_retry_reset(struct bg_retry *retry)
{
	retry->last = 0;
}
