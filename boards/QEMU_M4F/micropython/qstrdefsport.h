// Strings of the port that are no C identifiers.
// clang-format off
Q(/lib)
Q(/flash)
