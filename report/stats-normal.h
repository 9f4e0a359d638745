/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The normal distribution, as far as tests of significance need it. Pure. */

/* P(|Z| >= |z|). */
double stats_normal_two_sided(double z);

/*
 * z with P(Z <= z) = p, 0 < p < 1 (else ±infinity): Abramowitz & Stegun 26.2.23 and then Newton's
 * method on erfc(), which makes it as exact as erfc() is.
 */
double stats_normal_quantile(double p);
