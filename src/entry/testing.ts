/** What the tests of programs import from `holdfast/testing`. */
export { type OpenTestOptions, openTest, type TestHoldfast } from "../server/open-test.ts";
