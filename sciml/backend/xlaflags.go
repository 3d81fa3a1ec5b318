package backend

// CPUFlags are the flags with which XLA's CPU plug-in is opened, separated by a space.
//
// The plug-in's newer code generator for fused loops was seen to give wrong numbers: of a Jacobian of 4 points and 67
// parameters, four entries of a row were those of the neighbouring row (TestRowsStayApart is that case). The older generator
// is right there, and about as fast.
//
// LLVM's highest level of optimization, the default, doubles the time that compiling takes, and the code is no faster.
const CPUFlags = "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=2"

// lockedFlags are added for the plug-in that is locked in this module: another one may not know such an option, and ends the
// process then. Three quarters of the time of a compilation are LLVM's. Without five passes of its code generator it is a fifth
// less, and runs are as fast; of 132 runs of all methods of bench, 129 give the same numbers to the last bit, three others in the last digits. Programs that are compiled at the same time, as those
// of a first step are, gain by being split into few parts; one alone loses little.
const lockedFlags = "--xla_cpu_parallel_codegen_split_count=3 " +
	"--xla_backend_extra_options=-disable-lsr,-disable-post-ra,-disable-machine-licm,-disable-block-placement,-disable-cgp"
