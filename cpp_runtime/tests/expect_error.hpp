#pragma once

#include <gtest/gtest.h>

#include <string>

#include "fcn_edge/error.hpp"

namespace fcn_edge::test {

/// The call must throw Error with this code and a single line that contains `part`.
template <class Call>
void expect_error(Call call, ErrorCode code, const std::string& part) {
  try {
    call();
  } catch (const Error& error) {
    const std::string what = error.what();
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code)) << what;
    EXPECT_NE(what.find(part), std::string::npos) << "'" << what << "' does not say '" << part << "'";
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
    return;
  }
  FAIL() << "nothing was thrown; expected: " << part;
}

}  // namespace fcn_edge::test
