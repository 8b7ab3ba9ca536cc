// Nothing but a place for the header that all tests share (cmake/SluiceTargets.cmake).
int main() {
    return 0;
}
