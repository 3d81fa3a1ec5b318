package backend

// CPUFlags are the flags with which XLA's CPU plug-in is opened, separated by a space.
//
// The plug-in's newer code generator for fused loops was seen to give wrong numbers: of a Jacobian of 4 points and 67
// parameters, four entries of a row were those of the neighbouring row (TestRowsStayApart is that case). The older generator
// is right there, and about as fast.
//
// LLVM's highest level of optimization, the default, doubles the time that compiling takes, and the code is no faster.
const CPUFlags = "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=2"
