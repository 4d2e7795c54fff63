/* dd_vectors.h - published dependency structures, each in a descriptor of its key frame (media.md 11.4). */
#ifndef TESTS_DD_VECTORS_H
#define TESTS_DD_VECTORS_H

#define DD_L1T1 "80000180003a410180ef808680"
#define DD_L1T3 "800001800214eaa860414d141020842701df010d"
#define DD_L3T3                                                                                                       \
    "d0013481e81485214eafffaaaa863cf0430c10c302afc0aaa0063c00430010c002a000a80006000040001d954926e082b04a0941b820ac1" \
    "282503157f974000ca864330e222222eca8655304224230eca87753013f00b3027f016704ff02cf"
#define DD_L3T3_KEY                                                                                                   \
    "8f008581e81485214eaaaaa8000600004000100002aa80a8000600004000100002a000a800060000400016d549241b5524906d54923157e" \
    "001974ca864330e222396eca8655304224390eca87753013f00b3027f016704ff02cf"
#define DD_L2T2_KEY_SHIFT "8700ed80e3061eaa82804028280514d14134518010a091889a09409fc059c13fc0b3c0"
#define DD_VP8 "8000138002044eaaaf2860414d34538a0940413fc0b3c0"

#endif
