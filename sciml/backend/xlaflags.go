package backend

// CPUFlag is the flag with which XLA's CPU plug-in is opened. The plug-in's newer code generator for fused loops was
// seen to give wrong numbers: of a Jacobian of 4 points and 67 parameters, four entries of a row were those of the
// neighbouring row (TestRowsStayApart is that case). The older generator is right there, and about as fast.
const CPUFlag = "--xla_cpu_use_fusion_emitters=false"
